import type { ListSettings } from '../config/mirror-list.ts';
import { LONGEST } from '../protocol/mirror-list.ts';
import type { Target } from './request-path.ts';
import type { Service } from './service.ts';

/** Where a repository is below a server's URL: as it stands in URLs, and decoded; both begin with a slash, or are empty. */
export interface PathBelow {
  encoded: string;
  decoded: string;
}

/**
 * The path of a repository as the client wrote it.
 * @returns null where it is written so oddly that no URL should be made of it
 */
export function pathBelow(requested: string, { path }: Target, { rest }: Service): PathBelow | null {
  const [encoded = ''] = requested.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1);
  if (!encoded.endsWith(rest) || !/^[\u0021-\u007e]*$/.test(encoded)) return null;
  return { encoded: encoded.slice(0, -rest.length), decoded: path.slice(0, -rest.length) };
}

// As the rest of a URL is appended to `mirror.<base>.url`. Only in URLs with a scheme does git decode paths.
function below(base: string, { encoded, decoded }: PathBelow): string {
  const path = /^[a-z][a-z0-9+.-]*:\/\//i.test(base) ? encoded : decoded;
  return /[/:]$/.test(base) ? base + path.slice(1) : base + path;
}

/** The list of one repository, where a server's one list is for all of them: each URL is a base, to which the path is appended. */
export function settingsBelow(settings: ListSettings, path: PathBelow): ListSettings {
  const fits = (url: string) => url.length <= LONGEST.url;
  const { canonical, mirrors, successor } = settings;
  return {
    ...settings,
    canonical: canonical.map((url) => below(url, path)).filter(fits),
    mirrors: mirrors
      .map((mirror) => ({ ...mirror, url: below(mirror.url, path) }))
      .filter(({ url }) => fits(url)),
    successor: successor === null ? null : below(successor, path),
  };
}
