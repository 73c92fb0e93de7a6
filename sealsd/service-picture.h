/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures that come with applications: read and decoded on a thread of their own, one at a time,
 * so that whoever hands in many keeps no inspection and no verification from beginning.
 */
#pragma once

#include "sealsd/handed-file.h"
#include "sealsd/maker.h"
#include "sealsd/service.h"

typedef struct PictureJob PictureJob;

typedef struct Pictures {
        PictureJob *waiting; /* the first is being looked at */
} Pictures;

/*
 * Look at a picture. Result: SealPicture *, whose bytes the receiver may take. What is wrong with
 * one is told as of the option 'picture'; SEAL_E_BUSY.
 */
int picture_look(Service *service, uint32_t uid, const HandedFile *file, Reply reply,
                 ErrorDetail *detail);

/* How many of one caller's are not looked at yet. */
unsigned pictures_waiting(const Service *service, uint32_t uid);

/* The facts of a picture that was looked at; its size is the applicant's to say. */
int picture_facts(const SealPicture *picture, PictureFacts *ret);

/* Those that wait behind the one that is looked at; that one is the background's to end. */
void picture_stop(Service *service);
