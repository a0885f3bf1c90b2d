/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/map.h"

#include "artifacts/base/base.h"

struct ax_map_slot {
	char *key;
	void *value;
	uint64_t hash;
};

/* FNV-1a, 64 bits, with a final mix: keys come from the user's own manifest. */
static uint64_t
hash_of(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ (h >> 32);
}

static struct ax_map_slot *
find(const struct ax_map *m, const char *key, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->slots[i].key &&
	       (m->slots[i].hash != hash || strcmp(m->slots[i].key, key) != 0))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void
grow(struct ax_map *m)
{
	struct ax_map old = *m;
	size_t i;

	m->cap = old.cap ? old.cap * 2 : 16;
	m->slots = ax_calloc(m->cap, sizeof(*m->slots));
	for (i = 0; i < old.cap; i++)
		if (old.slots[i].key)
			*find(m, old.slots[i].key, old.slots[i].hash) =
				old.slots[i];
	free(old.slots);
}

void *
ax_map_set(struct ax_map *m, const char *key, void *value)
{
	uint64_t hash = hash_of(key);
	struct ax_map_slot *slot;
	void *old;

	if (4 * (m->n + 1) > 3 * m->cap)
		grow(m);
	slot = find(m, key, hash);
	if (!slot->key) {
		slot->key = ax_strdup(key);
		slot->hash = hash;
		m->n++;
	}
	old = slot->value;
	slot->value = value;
	return old;
}

void *
ax_map_get(const struct ax_map *m, const char *key)
{
	if (!m->cap)
		return NULL;
	return find(m, key, hash_of(key))->value;
}

void
ax_map_free(struct ax_map *m)
{
	size_t i;

	for (i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	memset(m, 0, sizeof(*m));
}
