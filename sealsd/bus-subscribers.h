/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscribers: who asked to be told. Announcements go to each by himself, and only about what he
 * may see; on the bus at large nothing about a seal or a request is ever said.
 */
#pragma once

#include "base/cleanup.h"
#include "sealsd/caller.h"
#include "sealsd/service.h"

struct Bus;
typedef struct Subscribers Subscribers;

int subscribers_new(Subscribers **ret);
Subscribers *subscribers_free(Subscribers *subscribers);
DEFINE_CLEANUP(Subscribers, subscribers_free)

/* Once more changes nothing. SEAL_E_QUOTA_EXCEEDED beyond SUBSCRIBERS_MAX. */
int subscribers_add(Subscribers *subscribers, const Caller *caller);
void subscribers_remove(Subscribers *subscribers, const char *name);

/* The service's observer that announces to them. */
Observer subscribers_observer(struct Bus *bus);
