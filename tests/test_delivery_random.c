// Followers under random interleavings of jobs, turns, credit, full queues, lost connections,
// leaves and damage: each gets everything from where it began exactly once, in order (readers.h
// looks).

#include "daemons/group/delivery.h"

#include "tests/readers.h"

enum { USED = 10 };

typedef struct {
    world_t *world;
    dice_t *chance;
    int64_t now;
} play_t;

static size_t s_some (play_t *play)
{
    return dice (play->chance, USED);
}

static void s_job (play_t *play)
{
    world_t *world = play->world;
    size_t batches = 1 + dice (play->chance, 4);
    size_t leaves = dice (play->chance, 12) == 0 ? dice (play->chance, batches) : batches;
    for (size_t i = 0; i < batches; i++) {
        size_t text = dice (play->chance, 20) ? dice (play->chance, 400) : 50000;
        stored_t *batch = world_batch (world, 1 + dice (play->chance, text > 400 ? 1 : 20), text);
        if (i != leaves)
            continue;
        reader_at_t *reader = &world->readers[s_some (play)]; // its leave ends this batch
        bool follows = reader->peer->follows;
        delivery_left (world->delivery, &reader->who, batch->last, WIRE_ERR_NOT_MEMBER, NULL, NULL);
        if (follows && !reader->until)
            reader->until = batch->last;
    }
    world_durable (world, play->now);
    // A disk may lose what readers did not have yet.
    if (dice (play->chance, 15) == 0)
        world->batches[dice (play->chance, world->count)].damaged = true;
}

static void s_follow (play_t *play)
{
    world_t *world = play->world;
    reader_at_t *reader = &world->readers[s_some (play)];
    if (reader->lost)
        return;
    uint64_t from = dice (play->chance, 3) ? 1 + dice (play->chance, world->head + 1) : 0;
    world_follow (world, (size_t)(reader - world->readers), from, dice_wide (play->chance));
}

static void s_credit (play_t *play)
{
    reader_at_t *reader = &play->world->readers[s_some (play)];
    uint64_t granted = reader->bytes + dice (play->chance, 300000);
    delivery_credit (reader->peer, dice (play->chance, 10) ? granted : dice_wide (play->chance));
    ck_assert_uint_le (reader->peer->granted, reader->peer->sent + DELIVERY_WINDOW);
}

static void s_step (play_t *play)
{
    world_t *world = play->world;
    reader_at_t *reader = &world->readers[s_some (play)];
    switch (dice (play->chance, 16)) {
    case 0:
    case 1:
    case 2:
        s_job (play);
        break;
    case 3:
    case 4:
    case 5:
        s_credit (play);
        break;
    case 6:
        if (dice (play->chance, 4) == 0)
            s_follow (play);
        break;
    case 7:
        reader->full = !reader->full;
        break;
    case 8:
        world->later = dice (play->chance, 4);
        break;
    case 9:
        if (dice (play->chance, 20) == 0 && reader->peer->follows)
            reader->lost = true;
        else if (dice (play->chance, 20) == 0)
            delivery_unfollow (world->delivery, reader->peer);
        break;
    default:
        delivery_turn (world->delivery, 1 + dice_wide (play->chance) % 200000, play->now);
        play->now += (int64_t)dice (play->chance, 8);
    }
}

static void s_check (play_t *play)
{
    size_t follow = 0;
    for (size_t n = 0; n < USED; n++) {
        reader_at_t *reader = &play->world->readers[n];
        follow += reader->peer->follows;
        if (reader->peer->follows) {
            ck_assert_uint_eq (reader->peer->sent, reader->bytes);
            ck_assert_uint_eq (reader->ends, 0);
        }
        // One frame may overshoot: a page of 200,000 and a batch, or a job of 4 large ones.
        ck_assert_uint_le (reader->most, 4 * 65536 + 1000);
    }
    ck_assert_uint_eq (delivery_count (play->world->delivery), follow);
    ck_assert_uint_le (delivery_lagging (play->world->delivery), follow);
}

// In the end all get all.
static void s_settle (play_t *play)
{
    world_t *world = play->world;
    for (size_t n = 0; n < USED; n++)
        world->readers[n].full = false;
    play->now += DELIVERY_RETRY;
    world_batch (world, 1, 10); // whose connection is lost is found out when something is sent
    world_durable (world, play->now);
    for (int round = 0; round < 100; round++) {
        for (size_t n = 0; n < USED; n++)
            delivery_credit (world->readers[n].peer, UINT64_MAX);
        world_turns (world, 1 << 20, play->now);
    }
    ck_assert_uint_eq (delivery_lagging (world->delivery), 0);
    for (size_t n = 0; n < USED; n++) {
        reader_at_t *reader = &world->readers[n];
        if (reader->until && !reader->lost && reader->ends) {
            ck_assert_uint_ge (reader->next, reader->until + 1);
            ck_assert_int_eq (reader->end, WIRE_ERR_NOT_MEMBER);
        } else if (reader->peer->follows)
            ck_assert_uint_eq (reader->next, world->head + 1);
        ck_assert (!reader->lost || !reader->peer->follows);
    }
}

START_TEST (every_follower_gets_everything_once_in_order)
{
    dice_t chance = dice_new ("every_follower_gets_everything_once_in_order");
    for (int round = 0; round < 15; round++) {
        play_t play = {world_new (), &chance, 1000};
        world_append (play.world, 1);
        for (size_t n = 0; n < USED; n++)
            world_follow (play.world, n, dice (&chance, 2), 100000);
        for (int i = 0; i < 1500; i++) {
            s_step (&play);
            s_check (&play);
        }
        s_settle (&play);
        world_destroy (play.world);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("delivery_random");
    tcase_add_test (cases, every_follower_gets_everything_once_in_order);
    return kit_run (cases, "delivery_random");
}
