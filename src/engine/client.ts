import type { Engine } from './engine.ts';
import type { Database } from './values/database.ts';
import type { Reply } from './wire/reply.ts';
import { Request } from './wire/request.ts';

/** One connection, as commands see it. */
export class Client {
  readonly id: number;
  readonly engine: Engine;
  /** Of the peer and of ours, `127.0.0.1:54321`. */
  readonly address: string;
  readonly localAddress: string;
  readonly connectedMs = Date.now();
  /** The command that is being run. */
  readonly request = new Request();
  /** Shared by all: commands run one after the other. */
  readonly reply: Reply;
  databaseIndex = 0;
  isAuthenticated: boolean;
  protocol: 2 | 3 = 2;
  name = '';
  libraryName = '';
  libraryVersion = '';
  lastCommand = 'NULL';
  lastMs = Date.now();
  /** Closes the connection once its replies are sent. */
  isClosing = false;
  /** Closes it now. */
  kill: () => void = () => {};

  constructor(engine: Engine, id: number, address: string, localAddress: string) {
    this.engine = engine;
    this.id = id;
    this.address = address;
    this.localAddress = localAddress;
    this.reply = engine.reply;
    this.isAuthenticated = engine.password === undefined;
  }

  get database(): Database {
    return this.engine.databases[this.databaseIndex]!;
  }

  setProtocol(protocol: 2 | 3): void {
    this.protocol = protocol;
    this.reply.protocol = protocol;
  }

  /** As after connecting. */
  reset(): void {
    this.setProtocol(2);
    this.databaseIndex = 0;
    this.name = '';
    this.isAuthenticated = this.engine.password === undefined;
  }
}
