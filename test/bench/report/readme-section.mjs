/** Where a section of figures begins and ends in the README. */
const markers = (name) => [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];

/**
 * The text with another body between the markers of a section.
 *
 * @throws when the markers are not there exactly once, in this order
 */
export function replaceSection(text, name, body) {
  const [begin, end] = markers(name);
  const [head, middle, ...more] = text.split(begin);
  const parts = middle?.split(end) ?? [];
  if (more.length > 0 || parts.length !== 2) {
    throw new Error(`the README has no section from ${begin} to ${end}`);
  }
  return `${head}${begin}\n\n${body.trim()}\n\n${end}${parts[1]}`;
}
