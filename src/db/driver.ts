import { createRequire } from 'node:module';
import type Libsql from 'libsql';

// The native code prints errors to standard output, into results that programs read, unless told not
// to before it is loaded: a static import would be too early to tell it.
process.env['RUST_LOG'] ??= 'off';

// The driver asks Node's report which C library this is; that would also list the network interfaces,
// for which Node opens a socket.
const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
const before = report.excludeNetwork ?? false;
report.excludeNetwork = true;

/** The native driver. Only the files of this folder and the copy of the hub may know it. */
export const Driver = createRequire(import.meta.url)('libsql') as typeof Libsql;

report.excludeNetwork = before;
