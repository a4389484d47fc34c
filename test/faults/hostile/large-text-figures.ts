/** What one step took. */
export interface StepFigures {
  readonly step: string;
  readonly ms: number;
  /** The longest time that it worked while nothing else had a turn of the event loop. */
  readonly gapMs: number;
  /** The most memory beyond that of before, in MB. */
  readonly grownMb: number;
}
