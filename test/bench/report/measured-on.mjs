/**
 * When, on what and with what versions figures were measured; what holds for several parts is told once.
 *
 * @param how - says of the rounds of a part what was taken of them
 */
export function measuredOn(parts, how) {
  const lines = parts.map(
    ({ machine, date, versions, rounds }) =>
      `Measured ${date}, ${machine}; ${versions}; ${how(rounds)}.`,
  );
  return [...new Set(lines)].join('\n\n');
}
