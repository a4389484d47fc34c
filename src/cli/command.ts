import type { Store, StoreOptions } from '../index.ts';
import type { Output } from './output.ts';

/** An argument or an option as data: commander, the help and the completion scripts are made of it. */
export interface Parameter<T> {
  /** `<id>` for one that must be given, `[home...]`, or empty for a flag. */
  readonly placeholder: string;
  readonly summary: string;
  /** What may be given; with `parse`, which then checks it, what completion offers. */
  readonly choices?: readonly string[];
  /** The command is refused without this option. */
  readonly mandatory?: boolean;
  /** Throws commander's `InvalidArgumentError`, which says what to give instead. */
  readonly parse?: (text: string) => T;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

type Values<P> = { readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : undefined };

/**
 * What a command needs of the store: nothing; to read one; to change one that is there; or one that
 * is made when it is not there. `preview` is `create` that leaves nothing behind.
 */
export type Access = 'none' | 'read' | 'write' | 'create' | 'preview';

/** What every command gets. */
export interface BareContext {
  readonly out: Output;
  readonly tree: readonly Group[];
  /** Where the store lies or would lie, and how it is opened. */
  readonly path: string;
  readonly storeOptions: StoreOptions;
  /** Opens the store; it is closed when the program leaves. */
  readonly open: (access: Exclude<Access, 'none'>) => Promise<Store>;
  /** The command did its work, and the answer is that something is wrong: exit code 1. */
  readonly markFailed: () => void;
  /** What must be done before the program leaves, by itself or by a signal. */
  readonly beforeLeaving: (job: () => Promise<void>) => void;
  /**
   * To be interrupted is how this command ends: no failure is told. The exit code is 0, or that of the
   * signal, for a command that may have been to go on to an end of its own.
   */
  readonly endsByInterrupt: (code?: 'done' | 'signal') => void;
  /** Aborted by the first signal, for a call that goes on while the store is closing. */
  readonly interrupted: AbortSignal;
}

export interface Context extends BareContext {
  readonly store: Store;
}

interface Description<A, O> {
  readonly name: string;
  /** One line, in the imperative. */
  readonly summary: string;
  /** More for the command's own help. */
  readonly details?: string;
  /** What follows `codewhale-store ` in an example. */
  readonly example: string;
  readonly args?: A;
  readonly options?: O;
  /**
   * The work is done in calls that hold the thread, where no signal is heard: the system ends the program at
   * once, as `kill -9` does, which no work of the store minds.
   */
  readonly holdsThread?: true;
}

/** A command as the program sees it: the types of its input are its own business. */
export interface Command extends Description<Parameters, Parameters> {
  accessFor(input: object): Access;
  run(context: BareContext, input: object): Promise<void>;
}

/** Commands under one noun, or, without a name, commands that stand for themselves. */
export interface Group {
  readonly name?: string;
  readonly summary?: string;
  readonly commands: readonly Command[];
}

type Input<A, O> = Values<A> & Values<O>;

/** A command that works on an open store. */
export function storeCommand<A extends Parameters, O extends Parameters>(
  definition: Description<A, O> & {
    readonly access: Exclude<Access, 'none'> | ((input: Input<A, O>) => Exclude<Access, 'none'>);
    readonly run: (context: Context, input: Input<A, O>) => Promise<void>;
  },
): Command {
  const { access, run, ...description } = definition;
  return {
    ...description,
    accessFor: (input: Input<A, O>) => (typeof access === 'function' ? access(input) : access),
    run,
  };
}

/** A command that opens no store, or opens it by itself. */
export function bareCommand<A extends Parameters, O extends Parameters>(
  definition: Description<A, O> & {
    readonly run: (context: BareContext, input: Input<A, O>) => Promise<void>;
  },
): Command {
  return { ...definition, accessFor: () => 'none' };
}

/** `sinceSeq` as it is typed: `--since-seq`. */
export function optionFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
