// Hosts a hub until standard input ends. Arguments: library, folder, port, sqld.
import { writeSync } from 'node:fs';

const [library, dir, port, sqld] = process.argv.slice(2);
const { hub } = await import(library);
const running = await hub.start({ dir, port: Number(port), sqld });
writeSync(1, `${JSON.stringify({ url: running.url, tokenFile: running.tokenFile })}\n`);
process.stdin.resume().once('end', () => running.stop());
await running.ended;
