#pragma once

#include "multimodal/model/families.h"

namespace beeld {

// What the table of families names: how the towers of each are put together, and what stands before them.

void read_clip(CheckpointReading& reading);
void read_metaclip2(CheckpointReading& reading);
void read_chinese_clip(CheckpointReading& reading);
void read_siglip(CheckpointReading& reading);
void read_siglip_naflex(CheckpointReading& reading);
void read_vit_classifier(CheckpointReading& reading);
void read_dinov2_classifier(CheckpointReading& reading);
/// One tower of a dual encoder, saved alone.
void read_clip_vision_alone(CheckpointReading& reading);
void read_clip_text_alone(CheckpointReading& reading);
void read_siglip_vision_alone(CheckpointReading& reading);
void read_siglip_text_alone(CheckpointReading& reading);

void read_m_clip(CheckpointReading& reading);
void read_sentence_transformer(CheckpointReading& reading);
void read_open_clip(CheckpointReading& reading);
void read_openai(CheckpointReading& reading);
void read_timm_classifier(CheckpointReading& reading);

/// Pictures alone, texts alone, or both, in Hugging Face's files.
void read_picture_inputs(CheckpointReading& reading);
void read_text_inputs(CheckpointReading& reading);
void read_picture_and_text_inputs(CheckpointReading& reading);

/// The last two, with texts padded by the tokenizer's own id and not by that of the configuration.
void read_padded_text_inputs(CheckpointReading& reading);
void read_padded_inputs(CheckpointReading& reading);

void read_open_clip_inputs(CheckpointReading& reading);
void read_openai_inputs(CheckpointReading& reading);
void read_timm_inputs(CheckpointReading& reading);
void read_sentence_inputs(CheckpointReading& reading);

}  // namespace beeld
