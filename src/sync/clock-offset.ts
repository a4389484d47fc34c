/**
 * The hub's clock minus ours, as a request tells it: the hub looked at its clock somewhere between both
 * ends, so what is shorter than the request is nothing that could be known.
 *
 * @param nowMs - the hub's clock
 * @param before - ours when the request was made, `after`: when it was answered
 */
export function clockOffset(nowMs: number, before: number, after: number): number {
  const offset = Math.round(nowMs - (before + after) / 2);
  return Math.abs(offset) <= after - before ? 0 : offset;
}
