import type { Stage } from './stage.ts';

/** What one run took. */
export interface Sample {
  /** Milliseconds. */
  time: number;
  /** Bytes that arrived at the client. */
  fromMirrors: number;
  fromCanonical: number;
  /** The helper's largest memory in bytes, where that was looked at. */
  peak?: number;
  /** The memory of a process at the end of the run in bytes, where that was looked at. */
  memory?: number;
  /** Its share of one core, 1 being all of it, where that was looked at. */
  processor?: number;
}

/** One way to do what a row is about; each round runs every way once. */
export interface Way {
  title: string;
  run(): Promise<Sample>;
}

/** What is told of samples. */
export interface Figure {
  title: string;
  of(sample: Sample): number;
  show(value: number): string;
  /** Whether it is compared with that of the first way. */
  compared: boolean;
}

/** What a row measures, once its servers and repositories are there: the first way is the one to compare with. */
export interface Setting {
  ways: readonly [Way, ...Way[]];
  figures: readonly Figure[];
  /** Ends what is not the sandbox's, such as lines. */
  close?(): Promise<void>;
}

/** One row of the results, in a file of its own under rows/. */
export interface Row {
  /** What `--only` calls it. */
  name: string;
  /** What is measured. */
  title: string;
  /** What it should come to. */
  aim: string;
  /** How often each way runs when `--rounds` does not say. */
  rounds: number;
  set(stage: Stage): Promise<Setting>;
}
