export { openStore, defaultPath, Store, type Logger, type StoreOptions } from './store.ts';
export type { Areas } from './areas/areas.ts';
export type { Page } from './areas/page.ts';
export * from './errors.ts';
export * from './model/session.ts';
