import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/**
 * Makes sure that nothing listens on a port, and says which one it is.
 *
 * @param port - 0 for any that is free
 * @throws an error of the system: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return free;
}
