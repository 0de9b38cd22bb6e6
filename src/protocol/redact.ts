import { printable } from './text.ts';

/** Foreign text in which every URL is as redactUrl() shows it: git names the URL in most of its errors. */
export function redactText(text: string): string {
  return text.replace(/(?:[a-z][a-z0-9+.-]*::)*[a-z][a-z0-9+.-]*:\/\/[^\s'"]+/gi, redactUrl);
}

/**
 * A URL as it may be shown: without user name, password, query or fragment in http(s) URLs, without a
 * password anywhere, and without control characters. A user name stays where it is part of the address
 * (`git@host:path`, `ssh://git@host/path`).
 */
export function redactUrl(url: string): string {
  const match = /^((?:[a-z][a-z0-9+.-]*::)*)([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?(.*)$/is.exec(url);
  if (!match) return printable(url);
  const [, helpers = '', scheme = '', login, rest = ''] = match;
  const web = /^(https?|ftps?)$/i.test(scheme);
  const user = login === undefined || web ? '' : `${login.split(':', 1)[0]}@`;
  const shown = web ? rest.replace(/[?#].*$/s, '') : rest;
  return printable(`${helpers}${scheme}://${user}${shown}`);
}
