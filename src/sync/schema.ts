/** The least schema that understands what this version writes. */
export const SCHEMA = 1;
