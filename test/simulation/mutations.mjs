export const MUTATIONS = {};
