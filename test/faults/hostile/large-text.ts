/** Lines that differ, as a log has them: JSON escapes the end of each. */
export function largeText(script: string, size: number): string {
  const words = script === 'cjk' ? '工具所说的话的一行文字' : 'of what a tool said';
  const bytes = Buffer.alloc(size, '.');
  for (let at = 0, number = 0; ; number++) {
    const line = Buffer.from(`line ${number} ${words}: ${(number * 2_654_435_761) >>> 0}\n`);
    if (at + line.length > size) break;
    at += line.copy(bytes, at);
  }
  return bytes.toString(script === 'cjk' ? 'utf8' : 'latin1');
}
