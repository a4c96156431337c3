import type { JsMsg } from '@nats-io/jetstream'

export type MessageBuffer<Message> = {
  push(message: Message): void
  peek(): Message | undefined
  /** Removes the message that `peek` shows. */
  take(): void
  /** The messages that wait, the oldest first. */
  waiting(): readonly Message[]
  /** How many messages the next pull may ask for; 0 where they are so few that it should wait. */
  room(): number
}

/** Messages that were sent and nobody has taken, bounded in number and, by their mean size, in bytes. */
export function createMessageBuffer<Message extends Pick<JsMsg, 'data'>>(limits: {
  messages: number
  bytes: number
}): MessageBuffer<Message> {
  let kept: Message[] = []
  let head = 0
  let bytes = 0
  let meanBytes = 1_024
  return {
    push(message) {
      kept.push(message)
      bytes += message.data.length
      meanBytes += (message.data.length - meanBytes) / 64
    },
    peek: () => kept[head],
    take() {
      bytes -= kept[head]?.data.length ?? 0
      head += 1
      if (head <= 1_024 && head < kept.length) return
      kept = kept.slice(head)
      head = 0
    },
    waiting: () => kept.slice(head),
    room() {
      const waiting = kept.length - head
      const room = Math.min(limits.messages - waiting, Math.floor((limits.bytes - bytes) / meanBytes))
      if (waiting === 0) return Math.max(1, room)
      return room < limits.messages / 4 ? 0 : room
    },
  }
}
