/** Bytes of a file: from the first up to, and without, the last. */
export interface Span {
  from: number;
  to: number;
}

/** Which bytes of a file are here: spans in their order, none of which touch. */
export class Spans {
  #spans: Span[] = [];

  constructor(spans: Iterable<Span> = []) {
    for (const span of spans) this.add(span);
  }

  add({ from, to }: Span): void {
    if (to <= from) return;
    const apart = this.#spans.filter((other) => other.to < from || other.from > to);
    const touching = this.#spans.filter((other) => other.to >= from && other.from <= to);
    const joined = {
      from: Math.min(from, ...touching.map((other) => other.from)),
      to: Math.max(to, ...touching.map((other) => other.to)),
    };
    this.#spans = [...apart, joined].sort((a, b) => a.from - b.from);
  }

  [Symbol.iterator](): Iterator<Span> {
    return this.#spans[Symbol.iterator]();
  }

  /** How many bytes are here. */
  get bytes(): number {
    return this.#spans.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** What is missing of the first `size` bytes. */
  gaps(size: number): Span[] {
    const edges = [
      { from: 0, to: 0 },
      ...this.#spans.filter(({ from }) => from < size),
      { from: size, to: size },
    ];
    return edges
      .slice(1)
      .map(({ from }, index) => ({ from: edges[index]?.to ?? 0, to: from }))
      .filter(({ from, to }) => to > from);
  }
}
