export { init, type HubInit, type HubInitOptions } from './hub-init.ts';
export { start, type HubStartOptions, type RunningHub } from './hub-start.ts';
export { token, type HubToken, type HubTokenOptions } from './hub-token.ts';
