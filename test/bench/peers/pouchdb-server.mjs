// A PouchDB server on a free port of the loopback. Argument: a folder that is there.
import { once } from 'node:events';
import { join } from 'node:path';
import express from 'express';
import serve from 'express-pouchdb';
import PouchDB from 'pouchdb';

const Databases = PouchDB.defaults({ prefix: join(process.argv[2], '/') });
const app = express();
app.use('/', serve(Databases, { mode: 'minimumForPouchDB', inMemoryConfig: true }));
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send({ port: server.address().port });
process.once('disconnect', () => process.exit(0));
