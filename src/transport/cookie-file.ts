/** The fields of a line (curl, docs/HTTP-COOKIES.md, "Netscape cookie file format"). */
const FIELDS = 7;

function isFor(line: string, { protocol, hostname, pathname }: URL, now: number): boolean {
  // As a server would have sent it, which libcurl reads, too: for whom it is then, only libcurl can tell.
  if (/^set-cookie:/i.test(line)) return true;
  const fields = line.replace(/^#HttpOnly_/, '').split('\t');
  if (fields.length < FIELDS || line.startsWith('# ')) return false;
  const [domain = '', tail = '', path = '/', secure = '', expires = '0'] = fields;
  const name = domain.toLowerCase().replace(/^\./, '');
  const host = hostname.toLowerCase();
  const inDomain = host === name || (tail.toUpperCase() === 'TRUE' && host.endsWith(`.${name}`));
  const below = pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
  const safe = secure.toUpperCase() !== 'TRUE' || protocol === 'https:';
  return inDomain && below && safe && (expires === '0' || Number(expires) * 1000 > now);
}

/** Whether a file of cookies, as http.cookieFile names one, holds any that goes with a request to this URL. */
export function hasCookieFor(text: string, url: string, now: number): boolean {
  const parsed = new URL(url);
  return text.split(/\r?\n/).some((line) => isFor(line, parsed, now));
}
