// A device in a process of its own, which does what its parent says: `[path, ...arguments]` is a
// call of the store, such as `['sessions.rename', id, title]`; the answer is its result.
// Arguments: library URL, store file.
const [, , library, path] = process.argv;
const { openStore } = await import(library);
const store = await openStore({ path });

process.on('message', async ({ number, call: [method, ...given] }) => {
  try {
    const names = method.split('.');
    const last = names.pop();
    const target = names.reduce((object, name) => object[name], store);
    process.send({ number, value: await target[last](...given) });
  } catch (error) {
    process.send({ number, error: { name: error.name, code: error.code, message: error.message } });
  }
});
process.send({ ready: true });
