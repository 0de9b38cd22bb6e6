import { printable } from '../../protocol/text.ts';

/** Text that is HTML already. Only `html` makes it, so that nothing gets in unescaped. */
export class Markup {
  readonly text: string;

  /** @param text trusted as it is */
  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template; null and false leave nothing. */
export type Part = Markup | string | number | null | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand between tags, and between the quotes of an attribute (HTML, 13.1.2.3); control characters become `?`. */
export function escapeHtml(text: string): string {
  return printable(text, Number.POSITIVE_INFINITY).replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '');
}

function written(part: Part): string {
  if (part === null || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return part.map(written).join('');
}

/** A template of HTML: what is put in is escaped, unless it comes out of such a template itself. Attributes need their quotes. */
export function html(fixed: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(fixed.map((text, at) => text + written(parts[at] ?? null)).join(''));
}
