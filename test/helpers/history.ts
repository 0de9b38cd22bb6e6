import { ChangingFiles, fastImportData } from './changing-files.ts';
import { below, oneOf, type Random, seededRandom } from './random.ts';
import { sourceLine } from './source-text.ts';

/** What a made-up history looks like. */
export interface HistoryShape {
  /** Commits in all, merges and those of the branches included. */
  commits: number;
  files: number;
  /** Every second one is annotated. */
  tags: number;
  /** Topic branches beside main: side lines that are merged now and then, and are ahead in the end. */
  branches: number;
  /** Bytes of a file. */
  blobSize: number;
  seed: number;
  /** The branch that carries the history; the names of tags and topics tell which, but for main. */
  branch: string;
  /** Seconds from one commit to the next. */
  step: number;
  /** Goes on from the branch's tip instead of starting from nothing. */
  goesOn: boolean;
}

/** Seconds since the epoch of the first commit. */
const FIRST_DATE = 1_500_000_000;
/** Commits that each topic branch is ahead of main in the end, and how often one is merged before. */
const AHEAD = 2;
const SIDE_LINES = 0.03;

function person(role: string, name: string, date: number): string {
  return `${role} ${name} <${name.toLowerCase()}@example.com> ${date} +0000\n`;
}

/** Writes commits and tags, and numbers them; the number is also the mark. */
class Writer {
  made = 0;
  /** Where the numbers in dates and messages start, so that additions follow what they are added to. */
  readonly start: number;
  private readonly random: Random;
  private readonly step: number;

  constructor(random: Random, start: number, step: number) {
    this.random = random;
    this.start = start;
    this.step = step;
  }

  get date(): number {
    return FIRST_DATE + (this.start + this.made) * this.step;
  }

  get tip(): string {
    return `:${this.made}`;
  }

  commit(ref: string, from: string, change: string, merged = ''): string {
    this.made += 1;
    const number = this.start + this.made;
    const verb = merged === '' ? 'Change' : 'Merge';
    return [
      `commit ${ref}\nmark ${this.tip}\n`,
      person('author', oneOf(this.random, ['Ada', 'Ben', 'Cleo', 'Dan']), this.date),
      person('committer', 'Mia', this.date),
      fastImportData(`${verb} number ${number}: ${sourceLine(this.random).trim()}\n`),
      from === '' ? '' : `from ${from}\n`,
      merged === '' ? '' : `merge ${merged}\n`,
      change,
    ].join('');
  }

  tag(name: string, annotated: boolean): string {
    if (!annotated) return `reset refs/tags/${name}\nfrom ${this.tip}\n\n`;
    const tagger = person('tagger', 'Mia', this.date);
    return `tag ${name}\nfrom ${this.tip}\n${tagger}${fastImportData(`Release ${name}\n`)}`;
  }
}

/**
 * Writes a history as git-fast-import(1) reads it. The same shape makes the same object ids everywhere:
 * dates are fixed and everything else comes from the seed.
 */
export function* historyStream(shape: HistoryShape): Generator<string> {
  const random = seededRandom(shape.seed);
  const files = new ChangingFiles(random, shape.files, shape.blobSize);
  const main = `refs/heads/${shape.branch}`;
  const writer = new Writer(random, shape.goesOn ? shape.seed * 100_000 : 0, shape.step);
  const own = shape.branch === 'main' ? '' : `${shape.branch}-`;
  const version = shape.goesOn ? `${own}v${shape.seed}.` : `${own}v`;
  const onMain = Math.max(1, shape.commits - shape.branches * AHEAD);
  const tagEvery = Math.max(1, Math.floor(onMain / Math.max(1, shape.tags)));
  let tip = shape.goesOn ? `${main}^0` : '';
  let tags = 0;
  let sides = 0;

  for (let room = onMain; room > 0; room = onMain - writer.made) {
    const before = tip;
    if (tip.startsWith(':') && shape.branches > 0 && room > 5 && random() < SIDE_LINES) {
      const topic = `refs/heads/${own}topic-${sides++ % shape.branches}`;
      const length = 1 + below(random, 4);
      for (let i = 0; i < length; i += 1) {
        yield writer.commit(topic, i === 0 ? before : writer.tip, files.change());
      }
      yield writer.commit(main, before, files.change(), writer.tip);
    } else {
      yield writer.commit(main, before, before === '' ? files.all() : files.change());
    }
    tip = writer.tip;
    while (tags < shape.tags && writer.made >= (tags + 1) * tagEvery) {
      tags += 1;
      yield writer.tag(`${version}${tags}`, tags % 2 === 1);
    }
  }
  for (let branch = 0; branch < shape.branches; branch += 1) {
    for (let i = 0; i < AHEAD && writer.made < shape.commits; i += 1) {
      yield writer.commit(`refs/heads/${own}topic-${branch}`, i === 0 ? tip : writer.tip, files.change());
    }
  }
}
