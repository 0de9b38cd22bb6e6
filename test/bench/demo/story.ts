import type { Sandbox } from '../../helpers/sandbox.ts';
import { type Check, checkClones } from './checks.ts';
import { bytes, count, seconds, table } from './figures.ts';
import { clone, fetch, type Run, type Stage } from './runs.ts';
import { openScene, type Place, type Scene } from './scene.ts';
import type { Screen } from './screen.ts';
import { type Ages, prepareSubject, type Subject } from './subject.ts';

/** Enough new commits that a fetch of them shows on the clock. */
const AGES: Ages = { stale: 500, old: 5000 };

function introduce(subject: Subject, { canonical, fresh, stale, dead }: Scene): string[] {
  const row = (name: string, { line, roundTrip, rate }: Place, what: string) =>
    [
      `  ${name.padEnd(12)}`,
      `127.0.0.1:${line.port}`.padEnd(15),
      `${roundTrip} ms`.padStart(6),
      `${count(rate / 1e6)} Mbit/s`.padStart(11),
      ` ${what}`,
    ].join(' ');
  return [
    row('canonical', canonical, 'far; its refs are the truth'),
    row('fresh mirror', fresh, 'near; has everything'),
    row('stale mirror', stale, `near; ${count(subject.staleBy)} commits behind`),
    `  ${'dead mirror'.padEnd(12)} 127.0.0.1:${dead.line.port}  refuses every connection; named first each time`,
  ];
}

function tell(heading: string, runs: readonly Run[]): string[][] {
  const [plain] = runs;
  const rows = runs.map((run) => [
    `  ${run.title}`,
    seconds(run.time),
    run === plain ? '-' : bytes(run.fromMirror),
    bytes(run.fromCanonical),
    run === plain ? '-' : `${((plain?.time ?? 0) / run.time).toFixed(1)} x`,
  ]);
  return [[heading], ...rows];
}

function report(checks: readonly Check[]): string[] {
  return checks.flatMap(({ title, result, problems }) => [
    `  ${title.padEnd(26)}${problems.length === 0 ? 'ok  ' : 'BAD '} ${result}`,
    ...problems.slice(0, 10).map((problem) => `    ${problem}`),
  ]);
}

async function play(stage: Stage, subject: Subject): Promise<boolean> {
  const { sandbox, scene, screen } = stage;
  screen.print('', 'git clone');
  const clones = [
    await clone(stage, 'plain, from canonical', 'clone-plain'),
    await clone(stage, 'through gam, fresh mirror', 'clone-fresh', scene.fresh),
    await clone(stage, 'through gam, stale mirror', 'clone-stale', scene.stale),
  ];
  screen.print('', `git fetch of ${count(subject.oldBy)} new commits`);
  const fetches = [
    await fetch(stage, 'plain, from canonical', 'fetch-plain'),
    await fetch(stage, 'through gam, fresh mirror', 'fetch-fresh', scene.fresh),
    await fetch(stage, 'through gam, stale mirror', 'fetch-stale', scene.stale),
  ];
  screen.print('');
  const checks = await screen.step('checking every ref and object', () =>
    checkClones(sandbox, `repositories/${subject.canonical}`, clones, fetches),
  );
  const columns = ['', 'time', 'from mirror', 'from canonical', 'faster'];
  const news = `fetch of ${count(subject.oldBy)} commits`;
  screen.print(
    '',
    ...table([columns, ...tell('clone', clones), ...tell(news, fetches)]),
    '',
    ...report(checks),
  );
  return checks.every(({ problems }) => problems.length === 0);
}

/**
 * Shows on one screen what gam does: clones and fetches with plain git and through gam, side by side, over
 * lines as they are between continents and in an office.
 * @returns whether every check held
 */
export async function tellStory(
  sandbox: Sandbox,
  screen: Screen,
  source: string | undefined,
): Promise<boolean> {
  screen.print(
    'The same clones and fetches by plain git and through gam, over simulated lines:',
    'gam takes the bulk from a mirror near by, and the truth from canonical.',
    '',
  );
  await sandbox.git(['config', '--global', 'protocol.version', '2']);
  const subject = await prepareSubject(sandbox, screen, source, AGES);
  const scene = await openScene(sandbox, subject);
  try {
    screen.print(`  ${subject.title}, ${bytes(subject.bytes)}`, '', ...introduce(subject, scene));
    return await play({ sandbox, scene, screen }, subject);
  } finally {
    await scene.close();
  }
}
