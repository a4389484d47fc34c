import { once } from 'node:events';
import { styleText } from 'node:util';
import { safeJson, safeText } from './format.ts';
import { formatTable, type Column } from './table.ts';

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
/** Colours text, or leaves it alone where nobody sees colour. */
export type Paint = (format: Format, text: string) => string;

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

const PROGRESS_INTERVAL_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

/** Results go to standard output, everything else to standard error. */
export class Output {
  readonly #json: boolean;
  readonly #quiet: boolean;
  #progressAt = 0;
  #progressShown = false;

  constructor(options: OutputOptions) {
    this.#json = options.json;
    this.#quiet = options.quiet;
  }

  /** Whether programs read the output. */
  get json(): boolean {
    return this.#json;
  }

  /** Prints the one result of a command: `value` with `--json`, else what `text` makes of it. */
  print(value: unknown, text: (paint: Paint) => string): void {
    this.#clearProgress();
    const rendered = this.#json ? safeJson(JSON.stringify(value)) : text(painter(process.stdout));
    if (rendered !== '') process.stdout.write(`${rendered}\n`);
  }

  /** Prints a page of a list: as it is with `--json`, else as a table and how to go on. */
  printPage<T>(page: ListPage<T>, columns: readonly Column<T>[]): void {
    this.print(page, (paint) =>
      page.items.length === 0 ? '' : this.table(page.items, columns, paint),
    );
    if (page.items.length === 0) this.note('nothing found');
    this.noteNextPage(page);
  }

  /** Says how to read on. */
  noteNextPage(page: ListPage<unknown>): void {
    if (page.nextCursor) this.note(`more with --cursor ${page.nextCursor}`);
  }

  /** A table as wide as the terminal, or as wide as its content where there is none. */
  table<T>(items: readonly T[], columns: readonly Column<T>[], paint: Paint): string {
    const width = process.stdout.isTTY ? process.stdout.columns : undefined;
    return formatTable(items, columns, paint, width);
  }

  /** Prints one of many values as a line of JSON, and waits for a slow reader. */
  async printJsonLine(value: unknown): Promise<void> {
    if (!process.stdout.write(`${safeJson(JSON.stringify(value))}\n`))
      await once(process.stdout, 'drain');
  }

  /** Prints text as it is, such as help or a script. */
  printText(text: string): void {
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Something for a person to know beside the result; programs find it in the result. */
  note(text: string): void {
    if (this.#quiet || this.#json) return;
    this.#clearProgress();
    process.stderr.write(`${painter(process.stderr)('dim', safeText(text))}\n`);
  }

  /** Something that a person must see, also with `--quiet`; programs find it in the result. */
  warn(text: string): void {
    if (this.#json) return;
    this.#clearProgress();
    process.stderr.write(`${painter(process.stderr)('yellow', 'warning:')} ${safeText(text)}\n`);
  }

  /** How far a long command is: one line that changes, on a terminal only. */
  progress(text: string): void {
    if (this.#quiet || !process.stderr.isTTY) return;
    const now = Date.now();
    if (now - this.#progressAt < PROGRESS_INTERVAL_MS) return;
    this.#progressAt = now;
    this.#progressShown = true;
    process.stderr.write(`${CLEAR_LINE}${safeText(text).slice(0, process.stderr.columns - 1)}`);
  }

  /**
   * A failure, as one JSON value with `--json`.
   *
   * @param help - for people, in place of the hint
   */
  error(report: ErrorReport, help = report.hint): void {
    this.#clearProgress();
    if (this.#json) {
      process.stderr.write(`${safeJson(JSON.stringify({ error: report }))}\n`);
      return;
    }
    const paint = painter(process.stderr);
    process.stderr.write(`${paint('red', 'error:')} ${safeText(report.message)}\n`);
    if (help !== '') process.stderr.write(`${safeText(help)}\n`);
  }

  #clearProgress(): void {
    if (!this.#progressShown) return;
    this.#progressShown = false;
    process.stderr.write(CLEAR_LINE);
  }
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string | null;
}

export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
}

function painter(stream: NodeJS.WriteStream): Paint {
  const { NO_COLOR: noColor = '', TERM: terminal } = process.env;
  const colored = stream.isTTY && noColor === '' && terminal !== 'dumb';
  // Decided here: Node's own check takes an empty NO_COLOR for a set one.
  const options = { validateStream: false };
  return colored ? (format, text) => styleText(format, text, options) : (_format, text) => text;
}
