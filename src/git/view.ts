import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSection } from '../config/edit.ts';
import { type ConfigEntry, lastValue } from '../config/entries.ts';
import type { ViewRefs } from '../mirror/view-refs.ts';

/** What of a clone's configuration counts for how it is served (git-config(1)), but for pushes. */
const SERVED: Readonly<Record<string, RegExp>> = {
  uploadpack: /^(?!hiderefs$)/,
  uploadpackfilter: /^/,
  http: /^(?:uploadpack|uploadarchive|getanyfile)$/,
};

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

// As git's files backend writes it; without `peeled`, git looks for itself at what no `^` tells of.
function packedRefs({ refs }: ViewRefs): string {
  const known = refs.every(({ peeled }) => peeled !== null);
  const lines = refs.map(({ name, oid, peeled }) => `${oid} ${name}\n${peeled ? `^${peeled}\n` : ''}`);
  return `# pack-refs with:${known ? ' peeled fully-peeled' : ''} sorted \n${lines.join('')}`;
}

function configText(entries: readonly ConfigEntry[]): string {
  const format = lastValue(entries, 'extensions', null, 'objectformat') ?? 'sha1';
  const section = (name: string, key: string, value: string, subsection: string | null = null) =>
    writeSection({ section: name, subsection, name: key }, [value]);
  const served = entries.filter(({ section: name, name: key }) => SERVED[name]?.test(key) ?? false);
  const lines = [
    ...section('core', 'repositoryFormatVersion', format === 'sha1' ? '0' : '1'),
    ...section('core', 'bare', 'true'),
    ...(format === 'sha1' ? [] : section('extensions', 'objectFormat', format)),
    ...served.flatMap((entry) => section(entry.section, entry.name, entry.value ?? 'true', entry.subsection)),
    ...section('http', 'receivepack', 'false'),
  ];
  return `${lines.join('\n')}\n`;
}

/** What a view has of its clone. */
export interface SharedWithView {
  /** The clone's folder of objects. */
  objects: string;
  /** The content of `shallow` (gitrepository-layout(5)); null where its history is whole. */
  shallow: string | null;
  entries: readonly ConfigEntry[];
}

/**
 * Makes a bare repository, or makes it anew, that has the objects of a clone and other refs. The folder of objects is the clone's
 * own, by a symbolic link: objects/info/alternates would do for smart http, but dumb http would not find packs. Nothing must ever
 * be written there. Whoever reads it meanwhile gets the refs of before or of after.
 *
 * @param folder the view's; made if it is not there
 */
export async function writeView(
  folder: string,
  { objects, shallow, entries }: SharedWithView,
  refs: ViewRefs,
): Promise<void> {
  await mkdir(join(folder, 'refs'), { recursive: true, mode: 0o700 });
  await symlink(objects, join(folder, 'objects'), 'junction').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await replace(join(folder, 'config'), configText(entries));
  if (shallow === null) await rm(join(folder, 'shallow'), { force: true });
  else await replace(join(folder, 'shallow'), shallow);
  await replace(join(folder, 'packed-refs'), packedRefs(refs));
  await replace(join(folder, 'HEAD'), `ref: ${refs.head ?? 'refs/heads/none'}\n`);
}
