import type { Command } from '@oclif/core/command';
import type { PJSON, Plugin } from '@oclif/core/interfaces';
import { run } from '@oclif/core/run';
import manifest from '../../oclif.manifest.json' with { type: 'json' };
import about from '../../package.json' with { type: 'json' };

// The bundler makes a table of everything in commands/ of this.
async function load(id: string): Promise<Command.Class> {
  const { default: command } = (await import(`../../commands/${id.replaceAll(':', '/')}.ts`)) as {
    default: Command.Class;
  };
  // Else oclif takes an argument that is not given from standard input: `while read -r dir; do gam sync --once; done <dirs` would
  // lose a line each time, or sync what was meant for the next turn.
  for (const arg of Object.values(command.args)) arg.ignoreStdin = true;
  return Object.assign(command, { id, plugin: PLUGIN });
}

// oclif has written it from just these (build.ts); to the compiler, all of JSON is wider than that.
const COMMANDS = Object.entries(manifest.commands as unknown as Record<string, Command.Cached>).map(
  ([id, command]): Command.Loadable => ({ ...command, load: () => load(id) }),
);

// What oclif would find by reading folders and files at each start, and sort by the rules of a language: with that,
// `gam mirrors list` takes a third longer.
const PLUGIN: Plugin = {
  _base: `${about.name}@${about.version}`,
  alias: about.name,
  commandIDs: COMMANDS.map(({ id }) => id),
  commands: COMMANDS,
  commandsDir: undefined,
  findCommand: load,
  hasManifest: true,
  hooks: {},
  isRoot: true,
  load: async () => undefined,
  moduleType: 'commonjs',
  name: about.name,
  options: { root: '' },
  pjson: about as PJSON,
  root: '',
  topics: Object.entries(about.oclif.topics).map(([name, topic]) => ({ name, ...topic })),
  type: 'core',
  valid: true,
  version: about.version,
};

/** Finds and runs the command that the words name. Apart from gam.ts, so that `gam --version` need not load it. */
export async function dispatch(words: string[]): Promise<void> {
  await run(words, { root: '', plugins: new Map([[PLUGIN.name, PLUGIN]]) });
}
