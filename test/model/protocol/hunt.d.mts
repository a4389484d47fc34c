import type { RunDetails } from 'fast-check';

export interface HuntOptions {
  /** Rules that do not hold. */
  off: readonly string[];
  /** Whose operations are drawn. */
  extensions: readonly string[];
  runs: number;
  seed: number;
  shrink?: boolean;
}

export interface Hunted {
  result: RunDetails<unknown>;
  stats: Record<string, number>;
}

export function hunt(options: HuntOptions): Hunted;

export interface Operation {
  k: string;
  d: number;
  x: number;
  y: number;
}

/** @throws `Violation` a check that does not hold */
export function play(list: readonly Operation[], off: readonly string[]): void;
