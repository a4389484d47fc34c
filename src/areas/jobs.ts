import { loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import { InvalidInputError } from '../errors.ts';
import * as schema from '../model/job.ts';
import type { Job, JobListOptions, JobSummary, JobUpsert } from '../model/job.ts';
import { addDetails, detailsOf } from '../model/record-body.ts';
import { jobs as table } from '../model/registers.ts';
import { formatTime } from '../model/time.ts';
import { knownIdSchema, validate } from '../model/validate.ts';
import type * as z from 'zod';
import { knownWord, withoutUndefined } from './fields.ts';
import { newUlid } from './new-id.ts';
import { between, found, hasCome, readPage, type Condition, type Page } from './page.ts';
import type { Runner } from './runner.ts';

const COLUMNS = [
  'id',
  'name',
  'status',
  'progress',
  'created_at',
  'updated_at',
  'deleted_at',
  'device',
] as const;

interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly progress: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleted_at: number | null;
  readonly device: string;
}

/** Jobs of the app server. A deleted job is not found any more. */
export class Jobs {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /**
   * Makes a job, or changes the fields that are given and keeps the others. A deleted job comes
   * back as it was.
   *
   * @throws `InvalidInputError` also for a new job without `name`
   */
  async upsert(input: JobUpsert): Promise<Job> {
    const job = validate(schema.jobUpsertSchema, input, 'job');
    return this.#runner.write((transaction) => upsertJob(transaction, job));
  }

  /** @throws `NotFoundError` */
  async get(id: string): Promise<Job> {
    validate(knownIdSchema, id, 'job id');
    return this.#runner.read((reader) => toJob(reader, findJob(reader, id), id));
  }

  /** Last updated first. */
  async list(options: JobListOptions = {}): Promise<Page<JobSummary>> {
    const query = validate(schema.jobListSchema, options, 'job list');
    const where: Condition[] = [
      { sql: 'deleted_at is null' },
      hasCome(table),
      ...between('updated_at', query.since, query.until),
    ];
    if (query.status !== undefined) where.push({ sql: 'status = ?', params: [query.status] });
    return this.#runner.read((reader) => {
      const page = readPage<JobRow>(reader, {
        table: 'jobs',
        columns: COLUMNS,
        where,
        sort: 'updated_at',
        descending: true,
        limit: query.limit,
        cursor: query.cursor,
      });
      return { ...page, items: page.items.map(toSummary) };
    });
  }

  /** @throws `NotFoundError` */
  async delete(id: string): Promise<void> {
    validate(knownIdSchema, id, 'job id');
    return this.#runner.write((transaction) => {
      toJob(transaction, findJob(transaction, id), id);
      transaction.update(table, id, { deleted_at: transaction.now() });
    });
  }
}

function upsertJob(transaction: Transaction, job: z.output<typeof schema.jobUpsertSchema>): Job {
  const now = transaction.now();
  const id = job.id ?? newUlid(now);
  const given = {
    ...withoutUndefined({
      name: job.name,
      status: job.status,
      progress: job.progress,
      created_at: job.createdAt,
      updated_at: job.updatedAt,
    }),
    deleted_at: null,
  };
  const old = findJob(transaction, id);
  if (old) {
    const body =
      job.details && storeBody(transaction, addDetails(loadBody(transaction, old), job.details));
    transaction.update(table, id, { ...given, ...body });
  } else {
    if (job.name === undefined) throw new InvalidInputError('job name: a new job needs it');
    transaction.insert(table, {
      id,
      status: 'queued',
      progress: null,
      created_at: now,
      ...given,
      ...storeBody(transaction, JSON.stringify(job.details ?? {})),
    });
  }
  return toJob(transaction, findJob(transaction, id), id);
}

function findJob(reader: Reader, id: string): (JobRow & BodyColumns) | undefined {
  return reader.first<JobRow & BodyColumns>(
    [...COLUMNS, 'body', 'body_hash'],
    'from jobs where id = ?',
    [id],
  );
}

/** @throws `NotFoundError` there is no such row, or it is deleted */
function toJob(reader: Reader, row: (JobRow & BodyColumns) | undefined, id: string): Job {
  const job = found(row?.deleted_at === null ? row : undefined, 'job', id);
  return { ...toSummary(job), details: detailsOf(loadBody(reader, job), schema.JOB_COLUMN_KEYS) };
}

function toSummary(row: JobRow): JobSummary {
  return {
    id: row.id,
    name: row.name,
    status: knownWord(schema.jobStatusSchema.options, row.status, 'queued'),
    progress: row.progress,
    createdAt: formatTime(row.created_at),
    updatedAt: formatTime(row.updated_at),
    device: row.device,
  };
}
