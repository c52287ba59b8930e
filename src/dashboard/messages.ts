/** What the worker is started with. */
export interface WorkerTask {
  readonly folder: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly token?: string;
}

export interface ToWorker {
  readonly type: 'end';
}

export type FromWorker =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly message: string };
