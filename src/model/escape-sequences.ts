/** Sequences that a terminal obeys: CSI (colours), OSC and other strings up to their end, short ones. */
const ESCAPES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

/** Text that was meant for a terminal, such as the output of a program, without its escape sequences. */
export function withoutEscapes(text: string): string {
  return text.replace(ESCAPES, '');
}
