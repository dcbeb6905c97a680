// SPDX-License-Identifier: GPL-2.0
/*
 * lock.c - the resource lock, and what is done when it is dropped
 */
#include "shell.h"

void drbd_lock(struct shell_resource *r) __acquires(&r->lock)
{
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	r->lock_flags = flags;
}

static void complete_bios(struct bio_list *done)
{
	struct bio *bio;

	while ((bio = bio_list_pop(done)))
		bio_endio(bio);
}

static void submit_all(struct list_head *requests, struct list_head *peer_requests)
{
	while (!list_empty(requests)) {
		struct shell_request *req =
			list_first_entry(requests, struct shell_request, submit);

		list_del_init(&req->submit);
		shell_request_submit(req);
	}
	while (!list_empty(peer_requests)) {
		struct shell_peer_request *pr =
			list_first_entry(peer_requests, struct shell_peer_request, submit);

		list_del_init(&pr->submit);
		shell_peer_request_submit(pr);
	}
}

/* The data receiver sends later, and more at a time. */
static bool is_receiver(const struct shell_resource *r)
{
	return in_task() && current == READ_ONCE(r->conn.receiver);
}

/* Disks are left to a work item. */
static void unlock_and_complete(struct shell_resource *r) __releases(&r->lock)
{
	struct bio_list done = r->completed;

	bio_list_init(&r->completed);
	if (!list_empty(&r->submit) || !list_empty(&r->peer_submit))
		queue_work(r->io_wq, &r->submit_work);
	spin_unlock_irqrestore(&r->lock, r->lock_flags);

	complete_bios(&done);
}

void drbd_unlock(struct shell_resource *r) __releases(&r->lock)
{
	bool push = shell_push_due(r) && !is_receiver(r);
	struct bio_list done = r->completed;
	LIST_HEAD(requests);
	LIST_HEAD(peer_requests);

	bio_list_init(&r->completed);
	list_splice_init(&r->submit, &requests);
	list_splice_init(&r->peer_submit, &peer_requests);
	spin_unlock_irqrestore(&r->lock, r->lock_flags);

	complete_bios(&done);
	/* Never waits, and the way to the peer and back is the longer one. */
	if (push)
		shell_push(r);
	submit_all(&requests, &peer_requests);
}

void drbd_unlock_network(struct shell_resource *r) __releases(&r->lock)
{
	bool push = shell_push_due(r);

	unlock_and_complete(r);
	if (push)
		shell_push(r);
}

void drbd_unlock_sending(struct shell_resource *r, enum drbd_socket which) __releases(&r->lock)
{
	shell_push_later(r, BIT(!which));
	unlock_and_complete(r);
}

void drbd_unlock_atomic(struct shell_resource *r) __releases(&r->lock)
{
	if (!is_receiver(r))
		shell_push_later(r, BIT(SOCK_DATA) | BIT(SOCK_META));
	unlock_and_complete(r);
}

void drbd_unlock_only(struct shell_resource *r) __releases(&r->lock)
{
	spin_unlock_irqrestore(&r->lock, r->lock_flags);
}

static void submit_work(struct work_struct *work)
{
	struct shell_resource *r = container_of(work, struct shell_resource, submit_work);

	drbd_lock(r);
	drbd_unlock(r);
}

void shell_lock_init(struct shell_resource *r)
{
	spin_lock_init(&r->lock);
	init_waitqueue_head(&r->wait);
	init_waitqueue_head(&r->helper_wait);
	INIT_LIST_HEAD(&r->waits);
	bio_list_init(&r->completed);
	INIT_LIST_HEAD(&r->submit);
	INIT_LIST_HEAD(&r->peer_submit);
	INIT_WORK(&r->submit_work, submit_work);
}
