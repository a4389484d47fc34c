/** The clock in a version, lifecycle prefix or not, as hexadecimal text. @param version - an SQL expression */
export const clockHex = (version: string) =>
  `substr(${version}, iif(substr(${version}, 8, 1) = '-', 9, 1), 12)`;

/** A time to compare it with. @param ms - unix milliseconds */
export const hexOf = (ms: number) => ms.toString(16).padStart(12, '0');
