/** What the browser code uses of packages that bring no types. */
declare module '*.css' {
  const text: string;
  export default text;
}

declare module 'd3-selection' {
  export interface Selection<Datum> {
    datum(value: unknown): this;
    datum(): unknown;
    selectAll<Inner>(selector: string): Selection<Inner>;
    classed(names: string, is: (datum: Datum) => boolean): this;
  }
  export function select<Datum = unknown>(element: Element): Selection<Datum>;
}

declare module 'd3-flame-graph' {
  import type { Selection } from 'd3-selection';

  export interface FlameNode<Data> {
    readonly data: Data;
    readonly value: number;
    readonly depth: number;
    readonly x0: number;
    readonly x1: number;
    readonly parent: FlameNode<Data> | null;
    readonly children?: readonly FlameNode<Data>[];
    highlight?: boolean;
  }

  export interface FlameChart<Data> {
    (selection: Selection<unknown>): void;
    width(px: number): this;
    cellHeight(px: number): this;
    minFrameSize(px: number): this;
    transitionDuration(ms: number): this;
    inverted(is: boolean): this;
    getName(of: (node: FlameNode<Data>) => string): this;
    setLabelHandler(of: (node: FlameNode<Data>) => string): this;
    setColorMapper(of: (node: FlameNode<Data>) => string): this;
    onClick(act: (node: FlameNode<Data>) => void): this;
    onHover(act: (node: FlameNode<Data>) => void): this;
    zoomTo(node: FlameNode<Data>): void;
    resetZoom(): void;
    update(): this;
  }

  export default function flamegraph<Data>(): FlameChart<Data>;
}
