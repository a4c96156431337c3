import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { EngineError } from '../engine/engine-error.ts'
import { singleHeader } from './http-request.ts'

export type Credentials = { user: string; password: string }

/** ClickHouse's four ways to say who one is: Basic, Bearer-less headers, or the URL. Throws when they do not match. */
export function authenticate(request: IncomingMessage, url: URL, expected: Credentials | undefined): void {
  if (expected === undefined) return
  const given = credentialsOf(request, url)
  const matches = [same(given.user, expected.user), same(given.password, expected.password)]
  if (matches.includes(false))
    throw new EngineError(
      516,
      'AUTHENTICATION_FAILED',
      `${given.user}: Authentication failed: password is incorrect, or there is no user with such name`,
    )
}

function credentialsOf(request: IncomingMessage, url: URL): Credentials {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (basic !== undefined) {
    const [user = '', ...password] = Buffer.from(basic, 'base64').toString('utf8').split(':')
    return { user, password: password.join(':') }
  }
  const user = singleHeader(request, 'x-clickhouse-user') ?? url.searchParams.get('user') ?? 'default'
  const password = singleHeader(request, 'x-clickhouse-key') ?? url.searchParams.get('password') ?? ''
  return { user, password }
}

function same(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
