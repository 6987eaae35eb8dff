"""What people call the classes of ImageNet, for ``derive_words.py``: chosen by hand, one a line."""

from __future__ import annotations

# What people call a class, where the list's own name is a term of art, a part of a name, or two things at once.
NAMES = """
cock: rooster
robin: American robin
water ouzel: dipper
kite: kite (bird)
European fire salamander: fire salamander
common newt: smooth newt
loggerhead: loggerhead turtle
common iguana: green iguana
American chameleon: green anole
whiptail: whiptail lizard
agama: agama lizard
African chameleon: chameleon
African crocodile: Nile crocodile
American alligator: alligator
triceratops: Triceratops
thunder snake: worm snake
king snake: kingsnake
rock python: python
Indian cobra: cobra
diamondback: diamondback rattlesnake
sidewinder: sidewinder rattlesnake
harvestman: daddy longlegs
black and gold garden spider: yellow garden spider
black widow: black widow spider
African grey: African grey parrot
drake: drake (male duck)
tusker: elephant with tusks
isopod: woodlouse
American egret: great egret
European gallinule: swamphen
American coot: coot
red-backed sandpiper: dunlin
killer whale: orca
Japanese spaniel: Japanese Chin
Maltese dog: Maltese
Pekinese: Pekingese
Blenheim spaniel: King Charles spaniel
papillon: Papillon (dog)
basset: basset hound
bluetick: bluetick coonhound
Walker hound: Treeing Walker coonhound
redbone: redbone coonhound
Staffordshire bullterrier: Staffordshire bull terrier
Airedale: Airedale terrier
cairn: cairn terrier
Dandie Dinmont: Dandie Dinmont terrier
Boston bull: Boston terrier
Scotch terrier: Scottish terrier
Lhasa: Lhasa Apso
German short-haired pointer: German shorthaired pointer
clumber: Clumber spaniel
English springer: English springer spaniel
groenendael: Groenendael
malinois: Malinois
kelpie: Australian kelpie
boxer: boxer (dog)
bull mastiff: bullmastiff
Eskimo dog: husky
malamute: Alaskan malamute
dalmatian: Dalmatian
Leonberg: Leonberger
chow: chow chow
Brabancon griffon: Brussels griffon
Pembroke: Pembroke Welsh corgi
Cardigan: Cardigan Welsh corgi
Mexican hairless: Mexican hairless dog
timber wolf: grey wolf
white wolf: Arctic wolf
African hunting dog: African wild dog
tabby: tabby cat
cougar: puma
ice bear: polar bear
American black bear: black bear
ladybug: ladybird
walking stick: stick insect
mantis: praying mantis
admiral: red admiral butterfly
ringlet: ringlet butterfly
monarch: monarch butterfly
cabbage butterfly: cabbage white butterfly
lycaenid: gossamer-winged butterfly
Angora: Angora rabbit
sorrel: horse
hog: pig
ram: ram (sheep)
bighorn: bighorn sheep
Arabian camel: camel
guenon: guenon monkey
patas: patas monkey
langur: langur monkey
colobus: colobus monkey
capuchin: capuchin monkey
titi: titi monkey
Madagascar cat: ring-tailed lemur
indri: indri lemur
lesser panda: red panda
barracouta: snoek
coho: coho salmon
rock beauty: rock beauty (angelfish)
anemone fish: clownfish
gar: gar (fish)
puffer: pufferfish
airliner: passenger plane
amphibian: amphibious vehicle
analog clock: analogue clock
apiary: beehives
ashcan: dustbin
Band Aid: sticking plaster
bannister: banister
barrow: wheelbarrow
beach wagon: estate car
beacon: lighthouse
bearskin: bearskin hat
bell cote: bell tower
bicycle-built-for-two: tandem bicycle
binder: ring binder
bonnet: bonnet (hat)
bottlecap: bottle cap
bow: bow (weapon)
brass: memorial plaque
brassiere: bra
cab: taxi
caldron: cauldron
cardigan: cardigan
cellular telephone: mobile phone
chainlink fence: chain-link fence
chain saw: chainsaw
chest: chest (box)
chiffonier: chest of drawers
chime: wind chime
clog: clog (shoe)
coil: coil (spiral)
confectionery: sweet shop
Crock Pot: slow cooker
cuirass: body armour
dial telephone: dial telephone
diaper: nappy
dishrag: dishcloth
disk brake: disc brake
dock: harbour dock
dogsled: dog sled
drilling platform: oil rig
entertainment center: TV cabinet
file: filing cabinet
freight car: goods wagon
gasmask: gas mask
gas pump: petrol pump
golfcart: golf cart
grille: radiator grille
hair slide: hair clip
half track: half-track
hand blower: hair dryer
hand-held computer: handheld computer
hard disc: hard disk
harvester: combine harvester
home theater: home cinema
hoopskirt: hoop skirt
iron: clothes iron
jack-o'-lantern: Halloween pumpkin
jean: jeans
jersey: T-shirt
jinrikisha: rickshaw
liner: ocean liner
Loafer: loafer (shoe)
loupe: magnifying glass
lumbermill: sawmill
magnetic compass: compass
maillot (tights): leotard
maillot (swimsuit): one-piece swimsuit
mailbag: mail bag
maraca: maracas
matchstick: match
medicine chest: medicine cabinet
megalith: standing stones
microwave: microwave oven
milk can: milk churn
Model T: Ford Model T
mortar: mortar and pestle
mortarboard: graduation cap
motor scooter: scooter
mountain tent: tent
mouse: computer mouse
moving van: removal van
muzzle: dog muzzle
nail: nail (metal)
nipple: bottle teat
notebook: notebook computer
organ: pipe organ
oxcart: ox cart
paddle: paddle (oar)
paddlewheel: paddle wheel
pajama: pyjamas
panpipe: pan pipes
passenger car: railway carriage
pay-phone: payphone
pick: plectrum
pickelhaube: spiked helmet
pickup: pickup truck
ping-pong ball: table tennis ball
pinwheel: toy windmill
pirate: pirate ship
pitcher: pitcher (jug)
plane: plane (tool)
plow: plough
pop bottle: soft drink bottle
pot: flower pot
puck: ice hockey puck
quill: quill pen
racer: racing car
racket: tennis racket
recreational vehicle: motorhome
reflex camera: SLR camera
refrigerator: fridge
rubber eraser: eraser
rule: ruler
saltshaker: salt shaker
sax: saxophone
scale: weighing scales
screen: computer screen
shoji: Japanese paper screen
shopping cart: shopping trolley
slot: slot machine
snowplow: snowplough
soccer ball: football (soccer ball)
solar dish: solar collector
stole: stole (shawl)
streetcar: tram
studio couch: sofa bed
sunglass: dark glasses
swab: mop
switch: switch (electrical)
tank: tank (military)
teddy: teddy bear
thatch: thatched roof
theater curtain: theatre curtain
thresher: threshing machine
tile roof: tiled roof
tobacco shop: tobacconist
torch: torch (flame)
toyshop: toy shop
trailer truck: articulated lorry
tub: tub (vat)
upright: upright piano
vacuum: vacuum cleaner
vault: vaulted ceiling
warplane: fighter plane
washer: washing machine
whiskey jug: whisky jug
window shade: window blind
wing: aircraft wing
worm fence: split-rail fence
wreck: shipwreck
web site: web page
book jacket: book cover
consomme: clear soup
hot pot: hot pot (stew)
French loaf: baguette
hotdog: hot dog
head cabbage: cabbage
zucchini: courgette
Granny Smith: green apple
carbonara: spaghetti carbonara
meat loaf: meatloaf
potpie: pot pie
espresso: espresso coffee
alp: mountain
bubble: bubbles
promontory: headland
ballplayer: baseball player
groom: bridegroom
rapeseed: rapeseed field
yellow lady's slipper: lady's slipper orchid
hip: rose hip
buckeye: horse chestnut
agaric: agaric mushroom
gyromitra: false morel
bolete: bolete mushroom
ear: ear of corn
toilet tissue: toilet paper
"""
