/** What happens during a load, as it happens. */
export type LoadEvent =
  | { readonly type: 'warming-up'; readonly name: string }
  /** The next thing is the first measured request. */
  | { readonly type: 'started'; readonly name: string }
  | {
      readonly type: 'progress';
      readonly name: string;
      readonly replies: number;
      readonly errors: number;
      readonly elapsedMs: number;
      /** 0 to 1. */
      readonly done: number;
    }
  /** The last reply has come. */
  | { readonly type: 'ended'; readonly name: string; readonly durationMs: number }
  | { readonly type: 'waiting'; readonly name: string; readonly message: string };
