/** The wire protocol of Valkey and Redis, versions 2 and 3: for clients, and for what answers them. */
export { CommandReader, type Request } from './resp-command.ts';
export { ReplyWriter, encodeCommand, type CommandWord } from './resp-encode.ts';
export { ReplyReader } from './resp-read.ts';
export { ReplySkipper } from './resp-skip.ts';
export {
  RespError,
  RespMap,
  RespProtocolError,
  RespPush,
  isRespArray,
  pairsOf,
  textOf,
  type RespValue,
} from './resp-value.ts';
