import type { Connection } from './connection.ts';
import { openConnection, type DatabaseOptions } from './open-connection.ts';

/** Opens a connection that sees one state of the store, that of this moment, until it is closed. */
export function openSnapshot(path: string, options: DatabaseOptions): Connection {
  const connection = openConnection(path, options);
  try {
    connection.begin('deferred');
    // The state is that of the first statement that reads.
    connection.row('select count(*) from sqlite_schema');
    return connection;
  } catch (error) {
    closeSnapshot(connection);
    throw error;
  }
}

/** Lets the state go: the driver keeps a closed connection open until it is collected. */
export function closeSnapshot(connection: Connection): void {
  connection.rollBack();
  connection.close();
}
