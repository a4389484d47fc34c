// Becomes another user, opens a store as it is told, tries to read and to write, and tells in JSON.
const [library, path, readOnly, user] = process.argv.slice(2);
const { openStore, rebuildStore } = await import(library);

// After loading: the project's own folders may be closed to others.
if (user !== undefined) {
  process.setgroups([]);
  process.setgid(Number(user));
  process.setuid(Number(user));
}

const outcome = async (job) => {
  try {
    return await job();
  } catch (error) {
    const { code, message, name, hint } = error;
    return { code, name, message, hint };
  }
};

let store;
const opened = await outcome(async () => {
  store = await openStore({ path, readOnly: readOnly === 'true' });
  return 'opened';
});
const told = { uid: process.getuid(), opened };
if (store) {
  told.read = await outcome(async () => (await store.sessions.list()).items.length);
  told.write = await outcome(async () => (await store.tasks.create({ prompt: 'x' })).prompt);
  await store.close();
}
if (readOnly === 'false') {
  told.rebuilt = await outcome(() => rebuildStore(path));
}
console.log(JSON.stringify(told));
