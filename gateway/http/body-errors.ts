import { ServiceError } from '../../contracts/errors.ts'

export function bodyTooLarge(maxBytes: number): ServiceError {
  return new ServiceError('body_too_large', `the body is over ${maxBytes} bytes`, { hint: 'split it into several requests' })
}

export function bodyLate(): ServiceError {
  return new ServiceError('deadline_exceeded', 'the body did not arrive in time')
}

export function bodyCutShort(cause?: unknown): ServiceError {
  return new ServiceError('cancelled', 'the connection ended before the body did', { cause })
}
