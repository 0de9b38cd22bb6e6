import { type ConfigKey, writeSection } from '../config/edit.ts';
import { type ConfigEntry, parseConfigList } from '../config/entries.ts';
import { type RunOptions, runGit } from './run.ts';

/** How git treats several settings of one name that all apply to a URL. */
export type Taking =
  /** `http.*`: one is taken until one of a scope that fits better has come (urlmatch.c, urlmatch_config_entry()). */
  | 'best-first'
  /** `credential.*`: all are taken (credential.c, select_all()). */
  | 'all';

/**
 * Which settings of a section git takes for a URL, by name, in their order; the last one counts where a name has one value.
 * git itself is asked (git-config(1), --get-urlmatch), in one process, with a file that has the number of a setting in the
 * place of its value: it tells of one value a name only, so each setting gets a name of its own, under which those before
 * it stand, too, where they have a say.
 *
 * @param url without a password, since everybody on a machine can read arguments
 * @param entries of one section; those with a subsection are for the URLs under it
 */
export async function settingsForUrl(
  url: string,
  entries: readonly ConfigEntry[],
  taking: Taking,
  options: RunOptions,
): Promise<Map<string, ConfigEntry[]>> {
  const [first] = entries;
  if (first === undefined) return new Map();
  const { section } = first;
  const lines = entries.flatMap(({ name }, at) => {
    const before = taking === 'all' ? [] : entries.slice(0, at).filter((other) => other.name === name);
    return [...before, entries[at] as ConfigEntry].flatMap((entry) => {
      const key: ConfigKey = { section, subsection: entry.subsection, name: `${name}-${at}` };
      return writeSection(key, [String(entries.indexOf(entry))]);
    });
  });
  const asked = ['config', '-z', '--file', '-', '--get-urlmatch', section, url];
  const { stdout } = await runGit(asked, { ...options, input: lines.map((line) => `${line}\n`).join('') });
  const taken = new Map<string, ConfigEntry[]>();
  for (const { name, value } of parseConfigList(stdout)) {
    const at = Number(name.slice(name.lastIndexOf('-') + 1));
    const entry = entries[at];
    // Another one has the last word there: this one was not taken.
    if (entry === undefined || Number(value) !== at) continue;
    taken.set(entry.name, [...(taken.get(entry.name) ?? []), entry]);
  }
  for (const list of taken.values()) list.sort((a, b) => entries.indexOf(a) - entries.indexOf(b));
  return taken;
}
