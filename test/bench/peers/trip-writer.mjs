// A device of a peer in a process of its own: writes a row whenever it is told to. Arguments: the
// module of the peer, a folder, the server.
const [name, folder, url] = process.argv.slice(2);
const peer = await import(`./${name}.mjs`);
const writer = await peer.tripWriter(folder, url);
process.on('message', async () => {
  const at = performance.timeOrigin + performance.now();
  await writer.write();
  process.send({ at });
});
process.once('disconnect', async () => {
  await writer.close();
  process.exit(0);
});
process.send('ready');
