"""Native rooms: accounts without a password, invites, settings of rooms, markers, mentions, full text

Revision: 0002, after 0001.
"""

from alembic import op
import sqlalchemy as sa


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    with op.batch_alter_table('accounts') as batch:
        batch.add_column(sa.Column('kind', sa.String(length=16), server_default='full', nullable=False))
        batch.add_column(sa.Column('settings', sa.Text(), server_default='{}', nullable=False))
        batch.add_column(sa.Column('newcomer_until', Big, server_default='0', nullable=False))

    op.create_table('identities',
    sa.Column('issuer', sa.String(length=255), nullable=False),
    sa.Column('subject', sa.String(length=255), nullable=False),
    sa.Column('account', sa.String(length=32), nullable=False),
    sa.Column('created_at', Big, nullable=False),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_identities_account')),
    sa.PrimaryKeyConstraint('issuer', 'subject', name=op.f('pk_identities'))
    )
    op.create_index(op.f('ix_identities_account'), 'identities', ['account'], unique=False)

    with op.batch_alter_table('sessions') as batch:
        batch.add_column(sa.Column('id', sa.String(length=32), nullable=True))
        batch.add_column(sa.Column('agent', sa.Text(), server_default='', nullable=False))
        batch.add_column(sa.Column('address', sa.String(length=64), server_default='', nullable=False))
    # A session that is there already is named by the beginning of its hash: that proves nothing to anybody.
    op.execute("UPDATE sessions SET id = 's' || substr(token_hash, 1, 16)")
    with op.batch_alter_table('sessions') as batch:
        batch.alter_column('id', existing_type=sa.String(length=32), nullable=False)
        batch.create_unique_constraint(op.f('uq_sessions_id'), ['id'])

    op.create_table('tickets',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=16), nullable=False),
    sa.Column('account', sa.String(length=32), nullable=True),
    sa.Column('created_at', Big, nullable=False),
    sa.Column('expires_at', Big, nullable=False),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_tickets_account')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_tickets'))
    )
    op.create_index(op.f('ix_tickets_account'), 'tickets', ['account'], unique=False)

    with op.batch_alter_table('rooms') as batch:
        batch.add_column(sa.Column('access', sa.String(length=16), nullable=True))
        batch.add_column(sa.Column('history', sa.String(length=16), server_default='all', nullable=False))
        batch.add_column(sa.Column('slow_seconds', sa.Integer(), server_default='0', nullable=False))
        batch.add_column(sa.Column('direct', sa.String(length=80), nullable=True))
        batch.add_column(sa.Column('archived_at', Big, nullable=True))
        batch.add_column(sa.Column('deleted_at', Big, nullable=True))
    op.execute("UPDATE rooms SET access = CASE WHEN public THEN 'public' ELSE 'invite' END")
    with op.batch_alter_table('rooms') as batch:
        batch.alter_column('access', existing_type=sa.String(length=16), nullable=False)
        batch.drop_column('public')
        batch.create_unique_constraint(op.f('uq_rooms_direct'), ['direct'])

    with op.batch_alter_table('memberships') as batch:
        batch.add_column(sa.Column('joined_seq', Big, server_default='0', nullable=False))

    with op.batch_alter_table('links') as batch:
        batch.add_column(sa.Column('federate', sa.Boolean(), server_default=sa.true(), nullable=False))

    op.create_table('invites',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('room', sa.String(length=32), nullable=True),
    sa.Column('guests', sa.Boolean(), nullable=False),
    sa.Column('created_by', sa.String(length=32), nullable=True),
    sa.Column('created_at', Big, nullable=False),
    sa.Column('expires_at', Big, nullable=True),
    sa.Column('uses', sa.Integer(), server_default='0', nullable=False),
    sa.Column('max_uses', sa.Integer(), nullable=True),
    sa.Column('revoked_at', Big, nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['people.id'], name=op.f('fk_invites_created_by')),
    sa.ForeignKeyConstraint(['room'], ['rooms.id'], name=op.f('fk_invites_room')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invites')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_invites_token_hash'))
    )
    op.create_index(op.f('ix_invites_room'), 'invites', ['room'], unique=False)

    op.create_table('markers',
    sa.Column('person', sa.String(length=32), nullable=False),
    sa.Column('room', sa.String(length=32), nullable=False),
    sa.Column('seq', Big, nullable=False),
    sa.Column('at', Big, nullable=False),
    sa.ForeignKeyConstraint(['person'], ['people.id'], name=op.f('fk_markers_person')),
    sa.ForeignKeyConstraint(['room'], ['rooms.id'], name=op.f('fk_markers_room')),
    sa.PrimaryKeyConstraint('person', 'room', name=op.f('pk_markers'))
    )
    # Whoever is in a room already has seen what was there before lines were counted as unread.
    op.execute('INSERT INTO markers (person, room, seq, at) '
               'SELECT m.person, m.room, r.last_seq, 0 FROM memberships m '
               'JOIN rooms r ON r.id = m.room JOIN people p ON p.id = m.person '
               "WHERE m.joined AND p.home = 'web'")
    op.create_table('mentions',
    sa.Column('person', sa.String(length=32), nullable=False),
    sa.Column('room', sa.String(length=32), nullable=False),
    sa.Column('seq', Big, autoincrement=False, nullable=False),
    sa.ForeignKeyConstraint(['person'], ['people.id'], name=op.f('fk_mentions_person')),
    sa.ForeignKeyConstraint(['room'], ['rooms.id'], name=op.f('fk_mentions_room')),
    sa.PrimaryKeyConstraint('person', 'room', 'seq', name=op.f('pk_mentions'))
    )
    op.create_index('ix_mentions_room_seq', 'mentions', ['room', 'seq'], unique=False)
    op.create_table('indexed',
    sa.Column('room', sa.String(length=32), nullable=False),
    sa.Column('seq', Big, nullable=False),
    sa.ForeignKeyConstraint(['room'], ['rooms.id'], name=op.f('fk_indexed_room')),
    sa.PrimaryKeyConstraint('room', name=op.f('pk_indexed'))
    )
    op.create_table('searchable',
    sa.Column('id', Big, autoincrement=False, nullable=False),
    sa.Column('room', sa.String(length=32), nullable=False),
    sa.Column('seq', Big, nullable=False),
    sa.ForeignKeyConstraint(['room'], ['rooms.id'], name=op.f('fk_searchable_room')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_searchable')),
    sa.UniqueConstraint('room', 'seq', name=op.f('uq_searchable_room_seq'))
    )
    # The words are cut by `bridge.text.words`, so that Chinese is found too: the databases only look them up. To the
    # tokenizer `ascii` every other character is a letter, and nothing is ever ranked, so no sizes are kept.
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('CREATE TABLE fulltext (id BIGINT NOT NULL CONSTRAINT pk_fulltext PRIMARY KEY '
                   'REFERENCES searchable (id), words tsvector NOT NULL)')
        op.execute('CREATE INDEX ix_fulltext_words ON fulltext USING gin (words)')
    else:
        op.execute("CREATE VIRTUAL TABLE fulltext USING fts5(words, tokenize='ascii', columnsize=0)")
