import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from '../helpers/sandbox.ts';
import { Screen } from './demo/screen.ts';
import { prepareSubject } from './demo/subject.ts';
import { runInterruptibly } from './interruptible.ts';
import { circumstances } from './measure/circumstances.ts';
import { measureRow } from './measure/measure.ts';
import { type BenchOptions, readOptions, usage } from './measure/options.ts';
import { tableOf } from './measure/report.ts';
import { openScene } from './measure/scene.ts';
import { ROWS } from './rows/index.ts';

// npm run bench -- [--only <row>]... [--rounds <n>] [--write] [<url or path>]: see CONTRIBUTING. The results go to
// standard output, what is under way to standard error. Exit status 2 for wrong usage, 130 when interrupted.

const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url));
const AGES = { stale: 1000, old: 100 };

const screen = new Screen(process.stderr);

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

async function measureAll(sandbox: Sandbox, { source, rows, rounds, write }: BenchOptions): Promise<number> {
  await sandbox.git(['config', '--global', 'protocol.version', '2']);
  const subject = await prepareSubject(sandbox, screen, source, AGES);
  const scene = await openScene(sandbox);
  const stage = { sandbox, scene, subject };
  try {
    const tables: string[][] = [];
    for (const row of rows) {
      const table = tableOf(await measureRow(stage, screen, row, rounds ?? row.rounds));
      print(table);
      tables.push(table);
    }
    const facts = await circumstances(stage);
    print(facts);
    const head = ['# What gam costs and saves', '', 'Made by `npm run bench -- --write`.', '', ...facts];
    if (write) writeFileSync(RESULTS, `${[head, ...tables].map((part) => part.join('\n')).join('\n\n')}\n`);
    return 0;
  } finally {
    await scene.close();
  }
}

function options(): BenchOptions | null {
  try {
    return readOptions(process.argv.slice(2), ROWS);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage(ROWS)}`);
    process.exitCode = 2;
    return null;
  }
}

const asked = options();
if (asked !== null) {
  await runInterruptibly(
    (sandbox) => measureAll(sandbox, asked),
    () => screen.clear(),
  );
}
