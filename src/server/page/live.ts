import { printable } from '../../protocol/text.ts';
import { html, type Markup } from './html.ts';

/** What a part of the page reads now, and the state that colours it, where it has one. */
export type LiveText = readonly [text: string, state: string | null];

/** The parts of a page that change while it is looked at. The script puts in what `/-/status.json` has for them. */
export class Live {
  readonly texts: Record<string, LiveText> = Object.create(null) as Record<string, LiveText>;

  /** Writes down what a part reads. @returns the key, for the attribute `data-live` */
  note(name: string, text: string, state: string | null = null): string {
    // As it stands in the attribute, or the script would not find it.
    const key = printable(name, Number.POSITIVE_INFINITY);
    this.texts[key] = [text, state];
    return key;
  }

  /** A part of running text. */
  text(key: string, text: string, state: string | null = null): Markup {
    this.note(key, text, state);
    return html`<span data-live="${key}"${state !== null && html` data-state="${state}"`}>${text}</span>`;
  }
}
