// What can go wrong, by where it does. All of it is public; a new class goes into the file of its area.
export * from './errors/base.ts';
export * from './errors/records.ts';
export * from './errors/store-file.ts';
export * from './errors/sync.ts';
export * from './errors/hosting.ts';
