import { describe, expect, it } from 'vitest';
import { News } from '../../../src/sync/worker/news.ts';

/** News, and a clock for them that stands still. */
function setup() {
  const clock = { ms: 0 };
  return { news: new News(() => clock.ms), clock };
}

describe('News', () => {
  it('knows own commits, whether they are told of before the answer or after it', () => {
    const { news } = setup();
    expect(news.tell()).toBe(true);
    news.own(2);
    expect(news.any).toBe(false);
    expect(news.tell()).toBe(false);
    expect(news.any).toBe(false);
  });

  it('takes one more than were made for one of others', () => {
    const { news } = setup();
    news.tell();
    news.tell();
    news.own(1);
    expect(news.told).toBe(true);

    news.clear();
    news.own(1);
    expect(news.tell()).toBe(false);
    expect(news.tell()).toBe(true);
  });

  it('has nothing new once everything is looked at', () => {
    const { news } = setup();
    news.tell();
    news.expect();
    news.clear();
    expect(news.any).toBe(false);
  });

  it('has something new without being told, and says that it was not told', () => {
    const { news } = setup();
    news.expect();
    expect([news.any, news.told]).toEqual([true, false]);
    news.own(1);
    expect(news.any).toBe(true);
  });

  it('waits for the news of an own commit neither for ever nor beyond the end of a feed', () => {
    const { news, clock } = setup();
    news.own(1);
    clock.ms = 5000;
    expect(news.tell()).toBe(true);

    news.own(1);
    news.clear();
    news.restart();
    expect(news.any).toBe(true);
    expect(news.tell()).toBe(true);
  });

  it('does not add what never came to what comes later', () => {
    const { news, clock } = setup();
    news.own(1);
    clock.ms = 5000;
    news.own(1);
    expect(news.tell()).toBe(false);
    expect(news.tell()).toBe(true);
  });
});
