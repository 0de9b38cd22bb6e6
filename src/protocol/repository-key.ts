const PREFIX = 'mirror::';

const OWN_PORT: Readonly<Record<string, string>> = { http: '80', https: '443', ssh: '22', git: '9418' };

const SSH = new Set(['git+ssh', 'ssh+git']);

/** `/x/`, `/x.git` and `/x/.git` name what `/x` does: where git looks for a repository (path.c, `enter_repo()`). */
function plainPath(path: string): string {
  return path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/\/+$/, '');
}

// The user of ssh is part of the address, that of the web is not; a password never is.
function userOf(scheme: string, login: string | undefined): string {
  const [user = ''] = (login ?? '').split(':', 1);
  return /^(?:ssh|git)$/.test(scheme) && user !== '' ? `${user}@` : '';
}

/**
 * A URL in the one form in which it is compared with others that name a repository. The case of scheme and host, a final dot of
 * the host, a port that is the scheme's own, slashes and `.git` at the end, a login for the web, and `mirror::` make no
 * difference; `user@host:path` is `ssh://user@host/path` (git-fetch(1), "GIT URLS"). What is no URL is taken for a path.
 */
export function repositoryKey(url: string): string {
  const plain = url.startsWith(PREFIX) ? url.slice(PREFIX.length) : url;
  const short = /^(?:([^@/:[\]]+)@)?(\[[^\]]*\]|[^@/:[\]]+):(?!\/\/)\/?(.*)$/s.exec(plain);
  const [, user, name, rest = ''] = short ?? [];
  if (name !== undefined)
    return repositoryKey(`ssh://${user === undefined ? '' : `${user}@`}${name}/${rest}`);
  const [, named = '', login, host, port, path = ''] =
    /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?(\[[^\]]*\]|[^/:?#]*)(?::([0-9]*))?([/?#].*)?$/is.exec(plain) ??
    [];
  if (host === undefined) return plainPath(plain);
  const lower = named.toLowerCase();
  const scheme = SSH.has(lower) ? 'ssh' : lower;
  const own = port === undefined || port === '' || Number(port) === Number(OWN_PORT[scheme]);
  const where = host.toLowerCase().replace(/\.$/, '') + (own ? '' : `:${Number(port)}`);
  return `${scheme}://${userOf(scheme, login)}${where}${plainPath(path)}`;
}
