export const RULES: Readonly<Record<string, readonly [origin: string, text: string]>>;
export const ADVISED_AGAINST: readonly string[];
export const EXTENSIONS: readonly string[];
export function rulesOf(...origins: string[]): string[];
